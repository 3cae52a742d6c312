// The way out: terminals are shared, so what was typed and not sent does not stay behind; and nobody loses it unasked.

import { App } from 'antd';
import { useCallback } from 'react';
import { defineMessages, useT } from '../core/i18n.ts';
import { keptText } from '../core/kept.ts';
import { logOut, session } from '../core/session.ts';
import { useErrorText } from './states.tsx';

const texts = defineMessages({
  zh: {
    ask: '退出会丢弃未发出的内容', unsent: '{n} 条消息还没有发出。', drafts: '{n} 份草稿还没有写完。', effect: '退出后会从这台电脑上删除，无法找回。', out: '丢弃并退出', stay: '不退出',
  },
  en: {
    ask: 'Signing out discards what is not sent', unsent: '{n} message has not been sent yet.|{n} messages have not been sent yet.', drafts: '{n} draft is not finished.|{n} drafts are not finished.',
    effect: 'Signing out deletes this from this computer for good.', out: 'Discard and sign out', stay: 'Stay',
  },
});

/** Signs out; asks first where something typed would be lost. */
export function useLogOut(): () => void {
  const t = useT(texts);
  const say = useErrorText();
  const { message, modal } = App.useApp();
  return useCallback(() => {
    const leave = () => logOut().catch((error) => void message.error(say(error)));
    const state = session.get();
    const { unsent, drafts } = 'me' in state ? keptText(state.me.person.personId) : { unsent: 0, drafts: 0 };
    if (unsent + drafts === 0) {
      void leave();
      return;
    }
    modal.confirm({
      title: t('ask'),
      content: (
        <>
          {unsent > 0 && <p>{t('unsent', { n: unsent })}</p>}
          {drafts > 0 && <p>{t('drafts', { n: drafts })}</p>}
          <p>{t('effect')}</p>
        </>
      ),
      okText: t('out'), cancelText: t('stay'), okButtonProps: { danger: true }, autoFocusButton: 'cancel', onOk: leave,
    });
  }, [t, say, message, modal]);
}
