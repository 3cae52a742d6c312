import { Button, Modal } from 'antd';
import { useState } from 'react';
import { defineMessages, useLocale, useT } from '../core/i18n.ts';
import { shownName } from '../core/names.ts';
import type { Me } from '../core/session.ts';
import { Avatar } from './avatar.tsx';
import { LookSettings } from './choices.tsx';
import { useLogOut } from './log_out.tsx';

const texts = defineMessages({
  zh: { title: '账号与显示', out: '退出登录' },
  en: { title: 'Account and display', out: 'Sign out' },
});

/** Who is signed in; behind it theme, language, density and the way out. For pages that have no settings of their own. */
export function MeMenu({ me }: { me: Me }) {
  const t = useT(texts);
  const leave = useLogOut();
  const [open, setOpen] = useState(false);
  const { person } = me;
  const name = shownName(person, useLocale());
  return (
    <>
      <button type="button" className="yz-me" title={t('title')} aria-haspopup="dialog" onClick={() => setOpen(true)}>
        <Avatar id={person.personId} name={name} size={28} /> <span className="yz-cut">{name}</span>
      </button>
      <Modal
        open={open} title={t('title')} onCancel={() => setOpen(false)} width={480}
        footer={<Button onClick={leave}>{t('out')}</Button>}
      >
        <p className="yz-me-who"><Avatar id={person.personId} name={name} size={40} /> <span><strong>{name}</strong><br /><span className="yz-meta">{[person.login, person.title].filter(Boolean).join(' · ')}</span></span></p>
        <div className="yz-me-look"><LookSettings /></div>
      </Modal>
    </>
  );
}
