(function () {
  var root = document.documentElement;
  var kept = {};
  try {
    kept = JSON.parse(localStorage.getItem('yz:settings') || '{}') || {};
  } catch (e) {
    kept = {};
  }
  var asked = new URLSearchParams(location.search);
  var theme = asked.get('theme') || kept.theme;
  var dark = theme === 'dark' || (theme !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
  var language = asked.get('lang') || kept.locale || navigator.language || 'zh';
  root.dataset.theme = dark ? 'dark' : 'light';
  root.dataset.density = kept.density || root.dataset.defaultDensity || 'comfortable';
  root.lang = language.slice(0, 2) === 'zh' ? 'zh-CN' : 'en';
})();
