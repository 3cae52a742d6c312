import { defineMessages } from '@yizhan/kit';

export const texts = defineMessages({
  zh: {
    app: '消息', messages: '消息', directory: '通讯录', settings: '设置', keys: '快捷键', me: '我',
    jump: '搜索', newGroup: '新建群聊', all: '全部', unread: '未读', list: '会话列表', noConversations: '还没有会话。', noUnread: '没有未读消息。', showAll: '查看全部', findPeople: '去通讯录找人',
    draft: '草稿：{text}', failedCount: '{n} 条未发出', mentionsMe: '有人@我', you: '我：{text}', unreadCount: '{n} 条未读',
    choose: '选择一个会话，或按 Ctrl+K 找人。', chatWith: '与{name}的消息', members: '成员', memberCount: '{n} 人', newLine: '{n} 条新消息', compose: '写消息给{name}', typing: '{name} 正在输入…',
    created: '{name} 创建了群聊', joined: '{who} 加入了群聊', added: '{name} 邀请 {who} 加入了群聊', left: '{who} 退出了群聊', removed: '{name} 将 {who} 移出了群聊', renamed: '{name} 将群名改为“{title}”', changed: '会话有变动',
    sending: '发送中', waiting: '等待连接', failed: '未发出', retry: '重试', delete: '删除', sent: '已发送', delivered: '已送达', read: '已读', readBy: '已读 {n}/{m}', readAll: '全部已读', whoRead: '已读情况', readNames: '已读（{n}）', unreadNames: '未读（{n}）',
    reply: '回复', replyLast: '回复（焦点在消息列表时）', replyTo: '回复 {name}', cancelReply: '取消回复', goTo: '跳到原消息', copy: '复制', copied: '已复制', gone: '原消息不可见', all_: '所有人', allDetail: '将通知 {n} 人', everybody: '@所有人',
    today: '今天', empty: '还没有消息，写下第一条吧。', loadFailed: '消息没有加载成功', listFailed: '会话没有加载成功', notHere: '找不到这个会话，或您不在其中。', back: '返回',
    groupName: '群名称', members_: '群成员', create: '创建', cancel: '取消', pick: '输入姓名、拼音或首字母', picked: '已选 {n} 人', remove: '移除 {name}', chosen: '已选的人', addMembers: '添加成员', add: '添加', rename: '修改群名', save: '保存', leave: '退出群聊', removeMember: '移出群聊',
    leaveAsk: '退出“{title}”？', leaveEffect: '您将不再收到其中的消息。群内其他 {n} 人会看到您已退出。', removeAsk: '将 {name} 移出“{title}”？', removeEffect: '对方将不再收到其中的消息，群成员会看到此变动。', owner: '群主', meMark: '（我）', more: '更多', loadMore: '加载更多', filterMembers: '在成员中查找',
    tree: '组织架构', people: '{n} 人', searchPeople: '搜索姓名、拼音、首字母、登录名', nobody: '这个部门没有直属人员。', noMatch: '没有找到“{q}”。换个写法试试：姓名、全拼或首字母。', chooseDepartment: '选择左侧的部门，或在上方搜索。', write: '发消息', title: '职务', department: '部门', email: '邮箱', phone: '电话', login: '登录名', found: '{n} 个结果',
    look: '显示', devices: '登录的设备', thisDevice: '当前设备', lastUsed: '最近使用', since: '登录于', end: '退出', endOthers: '退出其他所有设备', endAsk: '退出其他所有设备？', endEffect: '另外 {n} 台设备会立即退出登录。', logOut: '退出登录', ended: '已退出 {n} 台设备', account: '账号',
    conversation: '会话', person: '人员', page: '页面', close: '关闭', panel: '成员面板', prev: '上一个会话', next: '下一个会话', nextUnread: '下一个未读会话', prevUnread: '上一个未读会话', search: '搜索', closePanel: '回到上一步', emptyTitle: '群名称为 1 到 100 个字', nobodyPicked: '请至少选择一人', noOthers: '没有其他设备登录。',
  },
  en: {
    app: 'Messages', messages: 'Messages', directory: 'Directory', settings: 'Settings', keys: 'Keys', me: 'Me',
    jump: 'Search', newGroup: 'New group', all: 'All', unread: 'Unread', list: 'Conversations', noConversations: 'No conversations yet.', noUnread: 'Nothing is unread.', showAll: 'Show all', findPeople: 'Find people in the directory',
    draft: 'Draft: {text}', failedCount: '{n} unsent', mentionsMe: '@me', you: 'Me: {text}', unreadCount: '{n} unread',
    choose: 'Choose a conversation, or press Ctrl+K to find somebody.', chatWith: 'Messages with {name}', members: 'Members', memberCount: '{n} people', newLine: '{n} new message|{n} new messages', compose: 'Write to {name}', typing: '{name} is typing…',
    created: '{name} made the group', joined: '{who} joined', added: '{name} added {who}', left: '{who} left', removed: '{name} removed {who}', renamed: '{name} renamed the group to “{title}”', changed: 'The conversation changed',
    sending: 'Sending', waiting: 'Waiting for the connection', failed: 'Not sent', retry: 'Retry', delete: 'Delete', sent: 'Sent', delivered: 'Delivered', read: 'Read', readBy: 'Read {n}/{m}', readAll: 'Read by all', whoRead: 'Who has read it', readNames: 'Read ({n})', unreadNames: 'Not read ({n})',
    reply: 'Reply', replyLast: 'Reply (in the list of messages)', replyTo: 'Reply to {name}', cancelReply: 'Cancel the reply', goTo: 'Go to that message', copy: 'Copy', copied: 'Copied', gone: 'That message cannot be seen', all_: 'all', allDetail: 'notifies {n} people', everybody: '@all',
    today: 'Today', empty: 'No messages yet. Write the first one.', loadFailed: 'The messages could not be loaded', listFailed: 'The conversations could not be loaded', notHere: 'There is no such conversation, or you are not in it.', back: 'Back',
    groupName: 'Group name', members_: 'Members', create: 'Create', cancel: 'Cancel', pick: 'Name, pinyin or initials', picked: '{n} chosen', remove: 'Remove {name}', chosen: 'Chosen people', addMembers: 'Add members', add: 'Add', rename: 'Rename', save: 'Save', leave: 'Leave the group', removeMember: 'Remove from the group',
    leaveAsk: 'Leave “{title}”?', leaveEffect: 'You will get no more of its messages. The other {n} people will see that you left.', removeAsk: 'Remove {name} from “{title}”?', removeEffect: 'They will get no more of its messages; the members will see it.', owner: 'Owner', meMark: ' (me)', more: 'More', loadMore: 'Load more', filterMembers: 'Find a member',
    tree: 'Organisation', people: '{n} people', searchPeople: 'Name, pinyin, initials or log-in', nobody: 'Nobody is directly in this department.', noMatch: 'Nobody matches “{q}”. Try the name, the whole pinyin or the initials.', chooseDepartment: 'Choose a department, or search above.', write: 'Write', title: 'Title', department: 'Department', email: 'Mail', phone: 'Phone', login: 'Log-in', found: '{n} result|{n} results',
    look: 'Display', devices: 'Signed-in devices', thisDevice: 'This device', lastUsed: 'Last used', since: 'Signed in', end: 'Sign out', endOthers: 'Sign out all others', endAsk: 'Sign out all other devices?', endEffect: '{n} other device will be signed out at once.|{n} other devices will be signed out at once.', logOut: 'Sign out', ended: '{n} device signed out|{n} devices signed out', account: 'Account',
    conversation: 'Conversation', person: 'Person', page: 'Page', close: 'Close', panel: 'Members panel', prev: 'Previous conversation', next: 'Next conversation', nextUnread: 'Next unread conversation', prevUnread: 'Previous unread conversation', search: 'Search', closePanel: 'One step back', emptyTitle: 'A group name has 1 to 100 characters', nobodyPicked: 'Choose at least one person', noOthers: 'No other device is signed in.',
  },
});
