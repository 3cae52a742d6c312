/** The widget's words, Chinese and English. */

const zh = {
  title: '在线客服',
  starting: '正在连接…',
  welcome: '请描述您的问题，客服会尽快回复。',
  staffed: '客服在线',
  unstaffed: '当前没有客服在线。请留言，客服上线后会回复您。',
  next: '您是下一位，请稍候',
  queue: (place: number) => `排队中，您排在第 ${place} 位`,
  waiting: '排队中，请稍候',
  served: '客服正在为您服务',
  closedLine: '本次对话已结束',
  closedHint: '对话已结束。继续发送消息会再次联系客服。',
  typing: '客服正在输入…',
  placeholder: '请输入消息',
  inputLabel: '消息',
  send: '发送',
  hint: 'Enter 发送，Shift+Enter 换行。客服可看到您正在输入的内容。',
  tooLong: (over: number) => `超出 ${over} 字`,
  close: '收起',
  larger: '放大窗口',
  smaller: '缩小窗口',
  end: '结束对话',
  endAsk: '结束与客服的对话？',
  endYes: '结束',
  endNo: '继续对话',
  retry: '重试',
  discard: '删除',
  failed: '发送失败',
  sending: '发送中',
  log: '对话内容',
  me: '我',
  agent: '客服',
  newLines: (count: number) => `${count} 条新消息`,
  offline: (seconds: number) => `${seconds} 秒后重试`,
  offlineBar: '连接已断开 · 消息会在恢复后发送',
  connecting: '正在重新连接…',
  retryNow: '立即重试',
  ended: '对话已在别处打开太多次，此处不再更新。',
  reload: '重新连接',
  memory: '浏览器不允许保存对话，离开此页后将无法找回。',
  rateTitle: '请评价本次服务',
  stars: ['很不满意', '不满意', '一般', '满意', '很满意'],
  rateComment: '补充说明（可不填）',
  rateSend: '提交评价',
  rateSkip: '暂不评价',
  rated: (stars: number) => `您给出了 ${stars} 星评价，谢谢`,
  failedBegin: '暂时无法连接客服。您写的内容会保留。',
  refusedBegin: '此页面不能使用在线客服',
  noChannel: '缺少渠道编号，请检查网页中的客服代码。',
  requestId: '请求编号',
  yesterday: '昨天',
  events: {
    EVENT_STARTED: '',
    EVENT_QUEUED: '已进入排队',
    EVENT_ASSIGNED: '客服已接入',
    EVENT_TRANSFERRED: '已为您转接',
    EVENT_CLOSED: '对话已结束',
    EVENT_RATED: '已收到您的评价',
    EVENT_REOPENED: '对话已重新开始',
  } as Record<string, string>,
};

const en: typeof zh = {
  title: 'Chat with us',
  starting: 'Connecting…',
  welcome: 'Tell us what you need. We answer as soon as we can.',
  staffed: 'We are online',
  unstaffed: 'Nobody is online right now. Leave a message; we answer when we are back.',
  next: 'You are next, one moment please',
  queue: (place) => `Waiting: number ${place} in the queue`,
  waiting: 'Waiting for a colleague',
  served: 'You are talking to a colleague',
  closedLine: 'This chat has ended',
  closedHint: 'This chat has ended. Send a message to contact us again.',
  typing: 'Colleague is typing…',
  placeholder: 'Write a message',
  inputLabel: 'Message',
  send: 'Send',
  hint: 'Enter sends, Shift+Enter starts a line. We can see what you are typing.',
  tooLong: (over) => `${over} characters too long`,
  close: 'Close',
  larger: 'Larger window',
  smaller: 'Smaller window',
  end: 'End chat',
  endAsk: 'End this chat?',
  endYes: 'End it',
  endNo: 'Keep chatting',
  retry: 'Retry',
  discard: 'Delete',
  failed: 'Not sent',
  sending: 'Sending',
  log: 'Conversation',
  me: 'Me',
  agent: 'Service',
  newLines: (count) => `${count} new ${count == 1 ? 'message' : 'messages'}`,
  offline: (seconds) => `retrying in ${seconds} s`,
  offlineBar: 'Connection lost · messages will be sent when it is back',
  connecting: 'Reconnecting…',
  retryNow: 'Retry now',
  ended: 'This chat is open in too many places; here it is no longer updated.',
  reload: 'Reconnect',
  memory: 'Your browser does not let us keep this chat: it is gone when you leave the page.',
  rateTitle: 'How did we do?',
  stars: ['Very poor', 'Poor', 'Fair', 'Good', 'Very good'],
  rateComment: 'Anything to add? (optional)',
  rateSend: 'Send rating',
  rateSkip: 'Not now',
  rated: (stars) => `You gave ${stars} of 5, thank you`,
  failedBegin: 'We cannot be reached right now. What you wrote is kept.',
  refusedBegin: 'Chat is not available on this page',
  noChannel: 'The channel is missing: check the chat code in the page.',
  requestId: 'Request',
  yesterday: 'Yesterday',
  events: {
    EVENT_STARTED: '',
    EVENT_QUEUED: 'You are in the queue',
    EVENT_ASSIGNED: 'A colleague has joined',
    EVENT_TRANSFERRED: 'You have been handed to a colleague',
    EVENT_CLOSED: 'The chat has ended',
    EVENT_RATED: 'Your rating was received',
    EVENT_REOPENED: 'The chat is open again',
  },
};

/** The words of one language. */
export type Text = typeof zh;

/** Chinese for any "zh…" tag, else English. */
export function textOf(lang: string): Text {
  return /^zh/i.test(lang) ? zh : en;
}

/** A time as it stands beside a row, 24 h: 14:05, 昨天 14:05, 3月8日 14:05, 2024-03-08 14:05. */
export function shortTime(time: number, now: number, lang: string): string {
  const at = new Date(time);
  const clock = two(at.getHours()) + ':' + two(at.getMinutes());
  const days = Math.round((midnight(now) - midnight(time)) / 86_400_000);
  if (days <= 0) return clock;
  if (days == 1) return textOf(lang).yesterday + ' ' + clock;
  if (at.getFullYear() != new Date(now).getFullYear())
    return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${clock}`;
  return /^zh/i.test(lang)
    ? `${at.getMonth() + 1}月${at.getDate()}日 ${clock}`
    : `${at.toLocaleDateString('en', { month: 'short', day: 'numeric' })} ${clock}`;
}

function midnight(time: number): number {
  return new Date(time).setHours(0, 0, 0, 0);
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}

/** Cuts a text into plain parts and web addresses. */
export function linkParts(text: string): { text: string; href?: string }[] {
  const parts: { text: string; href?: string }[] = [];
  let from = 0;
  for (const match of text.matchAll(/https?:\/\/[^\s<>"'，。；：！？）】》、]+/gi)) {
    const address = match[0].replace(/[.,;:!?)\]]+$/, '');
    if (match.index > from) parts.push({ text: text.slice(from, match.index) });
    parts.push({ text: address, href: address });
    from = match.index + address.length;
  }
  if (from < text.length) parts.push({ text: text.slice(from) });
  return parts;
}
