import { avatarText } from '../core/grapheme.ts';
import { defineMessages, useT } from '../core/i18n.ts';

const texts = defineMessages({
  zh: { online: '在线', away: '离开', busy: '忙碌', offline: '离线' },
  en: { online: 'Online', away: 'Away', busy: 'Busy', offline: 'Offline' },
});

export type PresenceShow = 'online' | 'away' | 'busy' | 'offline';

function colourOf(id: string): number {
  let hash = 0;
  for (let i = 0; i < id.length; i += 1) hash = (hash * 31 + id.charCodeAt(i)) | 0;
  return (Math.abs(hash) % 6) + 1;
}

/** A person's or a group's picture: letters on a colour that the id decides. Beside a name, so hidden from screen readers. */
export function Avatar({ id, name, size = 36, square = false, presence }: { id: string; name: string; size?: 24 | 28 | 36 | 40 | 56; square?: boolean; presence?: PresenceShow | undefined }) {
  return (
    <span className={`yz-avatar yz-avatar-${size} yz-colour-${colourOf(id)}${square ? ' yz-square' : ''}`}>
      <span aria-hidden="true">{avatarText(name, square, size < 36)}</span>
      {presence && <PresenceDot show={presence} />}
    </span>
  );
}

/** Reachability as shape and colour, with the word for screen readers and as a title. */
export function PresenceDot({ show }: { show: PresenceShow }) {
  const t = useT(texts);
  return <span className={`yz-dot yz-dot-${show}`} role="img" aria-label={t(show)} title={t(show)} />;
}
