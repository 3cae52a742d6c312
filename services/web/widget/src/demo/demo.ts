/** Puts the widget into the demonstration page, as a bank would, for the channel named in the address. */
const channel = new URLSearchParams(location.search).get('channel') ?? '';
if (/^[0-9a-z]{1,40}$/.test(channel)) {
  const script = document.createElement('script');
  script.async = true;
  script.src = 'loader.js';
  script.dataset.channel = channel;
  const lang = new URLSearchParams(location.search).get('lang');
  if (lang) script.dataset.lang = lang;
  document.head.append(script);
} else {
  document.getElementById('state')!.textContent = '请在地址后加上 ?channel=渠道编号 。Add ?channel=CHANNEL_ID to the address.';
}
