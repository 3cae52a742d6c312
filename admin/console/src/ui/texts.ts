import { defineMessages, Role } from '@yizhan/kit';

/** The console's words. */
export const texts = defineMessages({
  zh: {
    app: '管理控制台', partLedger: '账本', partCompleteness: '归档完整性', partDisk: '磁盘', partArchive: '归档', partEdge: '接入', nav: '管理页面', health: '运行状况', partitions: '分区', people: '人员', departments: '部门',
    notYours: '此页面属于{roles}。', notYoursWhy: '系统、安全、审计三类管理员相互分立，各自只能看到自己的页面。您的角色：{mine}。', nowhere: '没有这个页面。', home: '回到运行状况',
    roleEmployee: '员工', roleAgent: '客服', roleSupervisor: '客服督导', roleSystem: '系统管理员', roleSecurity: '安全管理员', roleAuditor: '审计管理员', or: '或',
    okSentence: '一切正常：{n} 个部分都在工作。', degradedSentence: '可以使用，但有 {n} 处需要处理：{names}。', downSentence: '有 {n} 个部分不工作：{names}。', unknownSentence: '状况未知：{names}。', lostSentence: '无法取得运行状况，最后一次是 {time}。',
    ok: '正常', degraded: '需处理', down: '不工作', unknown: '未知', parts: '各部分', facts: '概况', version: '版本', started: '启动时间', disk: '磁盘剩余', data: '数据目录', sessions: '在线设备', updated: '更新于 {time}', healthFailed: '运行状况未能载入',
    partitionsHint: '每个分区的最新序号，和归档已保存到哪里。', colPartition: '分区', colHead: '最新序号', colArchived: '已归档', colLag: '归档差', colOwner: '所在节点', complete: '完整', behind: '落后 {n}', onlyBehind: '只看落后的', partitionsFailed: '分区未能载入', allComplete: '{n} 个分区全部归档完整。', someBehind: '{n} 个分区的归档落后，共 {m} 条记录。', noneBehind: '没有落后的分区。',
    find: '姓名、拼音、登录名', findLabel: '查找人员', allDepartments: '全部部门', inactiveToo: '包括已停用', add: '新增人员', total: '共 {n} 人', nobody: '没有匹配的人员。', peopleFailed: '人员未能载入', more: '更多', colName: '姓名', colLogin: '登录名', colDepartment: '部门', colTitle: '职务', colRoles: '角色', colSource: '来源', colState: '状态', active: '启用', inactive: '已停用', local: '本地', edit: '编辑 {name}',
    newPerson: '新增人员', login: '登录名', loginHint: '小写字母、数字、点、下划线、连字符，至多 64 字', name: '姓名', englishName: '英文名', department: '部门', none: '（无）', jobTitle: '职务', email: '邮箱', phone: '电话', roles: '角色', adminsExclude: '三类管理员互斥：选一个会替换另一个。', password: '初始密码', passwordHint: '至少 8 个字符', save: '保存', create: '创建', cancel: '取消', fromLdap: '此账号来自“{source}”，姓名、部门等由目录同步，这里只能改角色和状态。', noChange: '没有改动。', changes: '将要保存的改动', was: '{old} → {new}', empty: '（空）',
    badLogin: '登录名不合规则。', badName: '请填写姓名。', badPassword: '密码至少 8 个字符。', review: '查看改动', back: '继续编辑',
    disable: '停用', enable: '启用', disableAsk: '停用 {name}（{login}）？', disableEffect: '该人员会立即从所有设备退出，并且不能再登录。其消息和记录不受影响。', reset: '重设密码', resetTitle: '重设 {name} 的密码', newPassword: '新密码', resetEffect: '该人员的其他会话会立即结束。', resetDo: '重设密码',
    taskCreate: '新增人员 {name}', taskUpdate: '修改 {name}', taskDisable: '停用 {name}', taskEnable: '启用 {name}', taskPassword: '重设 {name} 的密码', taskDepartment: '新增部门 {name}', taskRename: '部门改名为 {name}',
    tasks: '操作记录', noTasks: '尚无操作', running: '进行中', done: '完成', failed: '失败', request: '请求编号 {id}',
    departmentsHint: '人数为本部门（含下级）。', addDepartment: '新增部门', addBelow: '新增下级', rename: '改名', departmentName: '部门名称', parent: '上级部门', top: '（顶级）', count: '{n}（{m}）', departmentsFailed: '部门未能载入', noDepartments: '还没有部门。', colPeople: '人数',
  },
  en: {
    app: 'Console', partLedger: 'Ledger', partCompleteness: 'Completeness of the archive', partDisk: 'Disk', partArchive: 'Archive', partEdge: 'Edge', nav: 'Pages', health: 'Health', partitions: 'Partitions', people: 'People', departments: 'Departments',
    notYours: 'This page belongs to the {roles}.', notYoursWhy: 'System, security and audit administrators are separate; each sees their own pages. Your roles: {mine}.', nowhere: 'There is no such page.', home: 'To health',
    roleEmployee: 'employee', roleAgent: 'agent', roleSupervisor: 'supervisor', roleSystem: 'system administrator', roleSecurity: 'security administrator', roleAuditor: 'audit administrator', or: 'or',
    okSentence: 'All is well: {n} parts work.', degradedSentence: 'It works, with {n} thing to look at: {names}.|It works, with {n} things to look at: {names}.', downSentence: '{n} part does not work: {names}.|{n} parts do not work: {names}.', unknownSentence: 'Not known: {names}.', lostSentence: 'The health could not be asked for; the last answer is of {time}.',
    ok: 'works', degraded: 'look at it', down: 'down', unknown: 'not known', parts: 'Parts', facts: 'At a glance', version: 'Version', started: 'Started', disk: 'Disk free', data: 'Data folder', sessions: 'Devices connected', updated: 'As of {time}', healthFailed: 'The health could not be loaded',
    partitionsHint: 'The last seq of every partition, and how far the archive has it.', colPartition: 'Partition', colHead: 'Head', colArchived: 'Archived', colLag: 'Archive', colOwner: 'Owner', complete: 'complete', behind: '{n} behind', onlyBehind: 'Only those behind', partitionsFailed: 'The partitions could not be loaded', allComplete: 'All {n} partitions are archived completely.', someBehind: '{n} partition is behind in the archive, {m} records in all.|{n} partitions are behind in the archive, {m} records in all.', noneBehind: 'No partition is behind.',
    find: 'Name, pinyin, log-in', findLabel: 'Find people', allDepartments: 'All departments', inactiveToo: 'Disabled too', add: 'Add a person', total: '{n} person|{n} people', nobody: 'Nobody matches.', peopleFailed: 'The people could not be loaded', more: 'More', colName: 'Name', colLogin: 'Log-in', colDepartment: 'Department', colTitle: 'Title', colRoles: 'Roles', colSource: 'Source', colState: 'State', active: 'active', inactive: 'disabled', local: 'local', edit: 'Edit {name}',
    newPerson: 'Add a person', login: 'Log-in name', loginHint: 'Lower-case letters, digits, dot, underscore, hyphen; at most 64', name: 'Name', englishName: 'English name', department: 'Department', none: '(none)', jobTitle: 'Title', email: 'Mail', phone: 'Phone', roles: 'Roles', adminsExclude: 'The three administrators exclude one another: one takes the place of the other.', password: 'First password', passwordHint: 'At least 8 characters', save: 'Save', create: 'Create', cancel: 'Cancel', fromLdap: 'This account comes from “{source}”: names and department are synchronised; here only roles and state change.', noChange: 'Nothing has changed.', changes: 'What will be saved', was: '{old} → {new}', empty: '(empty)',
    badLogin: 'The log-in name breaks the rule.', badName: 'A name is needed.', badPassword: 'A password has at least 8 characters.', review: 'Review changes', back: 'Edit on',
    disable: 'Disable', enable: 'Enable', disableAsk: 'Disable {name} ({login})?', disableEffect: 'This person is signed out of all devices at once and cannot sign in again. Their messages and records stay.', reset: 'Reset password', resetTitle: 'Reset the password of {name}', newPassword: 'New password', resetEffect: 'The person’s other sessions end at once.', resetDo: 'Reset password',
    taskCreate: 'Add {name}', taskUpdate: 'Change {name}', taskDisable: 'Disable {name}', taskEnable: 'Enable {name}', taskPassword: 'Reset the password of {name}', taskDepartment: 'Add the department {name}', taskRename: 'Rename a department to {name}',
    tasks: 'What was done', noTasks: 'Nothing yet', running: 'running', done: 'done', failed: 'failed', request: 'Request {id}',
    departmentsHint: 'The number counts the department with those below it.', addDepartment: 'Add a department', addBelow: 'Add below', rename: 'Rename', departmentName: 'Name', parent: 'Above it', top: '(top)', count: '{n} ({m})', departmentsFailed: 'The departments could not be loaded', noDepartments: 'No departments yet.', colPeople: 'People',
  },
});

export type ConsoleText = (typeof texts)['zh'];

export const roleKey: Partial<Record<Role, keyof ConsoleText & string>> = {
  [Role.EMPLOYEE]: 'roleEmployee', [Role.AGENT]: 'roleAgent', [Role.SUPERVISOR]: 'roleSupervisor',
  [Role.SYSTEM_ADMIN]: 'roleSystem', [Role.SECURITY_ADMIN]: 'roleSecurity', [Role.AUDITOR]: 'roleAuditor',
};
