import { MessageOutlined, QuestionCircleOutlined, SettingOutlined, TeamOutlined } from '@ant-design/icons';
import { Avatar, showKeyHelp, shownName, useLocale, useT, type Me } from '@yizhan/kit';
import type { ReactNode } from 'react';
import type { Im } from '../model/im.ts';
import { usePresence, useShown } from './context.ts';
import { texts } from './texts.ts';

export function Rail({ im, me, page, unread }: { im: Im; me: Me; page: string; unread: number }) {
  const t = useT(texts);
  const ids = [im.meId];
  useShown(ids);
  const presence = usePresence(im.meId);
  const name = shownName(me.person, useLocale());
  return (
    <nav className="im-rail" aria-label="驿站" data-pane tabIndex={-1}>
      <a href="#/settings" className="im-rail-me" title={name}>
        <Avatar id={im.meId} name={name} size={40} presence={presence} />
        <span className="yz-hidden">{t('me')}：{name}</span>
      </a>
      <Link href="#/chat" label={t('messages')} icon={<MessageOutlined />} here={page === 'chat'} badge={unread} />
      <Link href="#/directory" label={t('directory')} icon={<TeamOutlined />} here={page === 'directory'} />
      <span className="yz-grow" />
      <Link href="#/settings" label={t('settings')} icon={<SettingOutlined />} here={page === 'settings'} />
      <button type="button" className="im-rail-link" onClick={showKeyHelp}>
        <QuestionCircleOutlined aria-hidden />
        <span className="yz-label">{t('keys')}</span>
      </button>
    </nav>
  );
}

function Link({ href, label, icon, here, badge = 0 }: { href: string; label: string; icon: ReactNode; here: boolean; badge?: number }) {
  const t = useT(texts);
  return (
    <a href={href} className="im-rail-link" aria-current={here ? 'page' : undefined}>
      {icon}
      <span className="yz-label">{label}</span>
      {badge > 0 && (
        <span className="im-badge im-rail-badge">
          <span aria-hidden="true">{badge > 99 ? '99+' : badge}</span>
          <span className="yz-hidden">{t('unreadCount', { n: badge })}</span>
        </span>
      )}
    </a>
  );
}
