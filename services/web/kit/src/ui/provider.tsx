import { App, ConfigProvider } from 'antd';
import en from 'antd/locale/en_US';
import zh from 'antd/locale/zh_CN';
import { useMemo, type ReactNode } from 'react';
import { createRoot } from 'react-dom/client';
import { useLocale } from '../core/i18n.ts';
import { currentTheme, settings } from '../core/settings.ts';
import { useStore } from '../core/store.ts';
import { antdTheme } from '../core/theme.ts';
import { Announcer } from './announcer.tsx';
import { KeyHelp } from './keys.tsx';

/** Theme, language, antd's App (use `App.useApp()` for message and modal), the announcer and the key list. Once per page. */
export function KitProvider({ children }: { children: ReactNode }) {
  const theme = useStore(settings, currentTheme);
  const locale = useLocale();
  const config = useMemo(() => antdTheme(theme), [theme]);
  return (
    <ConfigProvider theme={config} locale={locale === 'zh' ? zh : en} button={{ autoInsertSpace: false }} wave={{ disabled: true }}>
      <App className="yz-app" message={{ maxCount: 3 }}>
        {children}
        <KeyHelp />
        <Announcer />
      </App>
    </ConfigProvider>
  );
}

/** Mounts an app into #root. */
export function mount(app: ReactNode): void {
  createRoot(document.getElementById('root')!).render(<KitProvider>{app}</KitProvider>);
}
