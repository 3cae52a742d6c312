import { App, Button, Input, Modal } from 'antd';
import { Avatar, ErrorState, newId, personScore, Skeleton, useErrorText, useFocusReturn, useLocale, useStore, useT } from '@yizhan/kit';
import { Member_Role, type Member } from '@yizhan/kit/gen/im/v1/conversation_pb';
import { lazy, Suspense, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { directId, type Conv } from '../model/conversations.ts';
import { conversations } from '../model/services.ts';
import { nameOf, usePerson } from '../model/people.ts';
import { chatHref, useIm, usePresence, useShown } from './context.ts';
import { texts } from './texts.ts';

const AddMembers = lazy(() => import('./new_group.tsx').then((module) => ({ default: module.AddMembers })));

const PAGE = 200;

/** The members of a group, a page at a time, and what its owner may do. */
export function MembersPanel({ conv, onClose }: { conv: Conv; onClose: () => void }) {
  const im = useIm();
  const t = useT(texts);
  const say = useErrorText();
  const { modal, message } = App.useApp();
  const changes = useStore(im.memberChanges);
  const [members, setMembers] = useState<Member[] | null>(null);
  const [nextPage, setNextPage] = useState('');
  const [error, setError] = useState<unknown>(null);
  const [query, setQuery] = useState('');
  const [adding, setAdding] = useState(false);
  const [renaming, setRenaming] = useState(false);
  const pane = useRef<HTMLElement>(null);
  useStore(im.people.byId, (all) => (query ? all : null));

  const load = useCallback(async (pageToken: string) => {
    try {
      const page = await conversations.listMembers({ conversationId: conv.id, pageSize: PAGE, pageToken });
      setMembers((old) => (pageToken === '' ? page.members : [...(old ?? []), ...page.members]));
      setNextPage(page.nextPageToken);
      setError(null);
    } catch (problem) {
      setError(problem);
    }
  }, [conv.id]);
  useEffect(() => void load(''), [load, changes]);
  useEffect(() => pane.current?.focus(), []);

  const owner = conv.role === Member_Role.OWNER;
  const shown = useMemo(() => {
    const list = [...(members ?? [])].sort((a, b) => b.role - a.role);
    if (query.trim() === '') return list;
    return list.filter((member) => {
      const person = im.people.get(member.personId);
      return person && personScore(person, query) > 0;
    });
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [members, query]);
  useShown(shown.slice(0, 300).map((member) => member.personId));

  const leave = () => {
    modal.confirm({
      title: t('leaveAsk', { title: conv.title }), content: t('leaveEffect', { n: conv.memberCount - 1 }), okText: t('leave'), cancelText: t('cancel'), okButtonProps: { danger: true }, autoFocusButton: 'cancel',
      onOk: () => conversations.removeMember({ conversationId: conv.id, personId: '', requestId: newId() }).then(() => { im.forget(conv.id); location.hash = '#/chat'; }, (problem) => void message.error(say(problem))),
    });
  };
  const remove = (personId: string, name: string) => {
    modal.confirm({
      title: t('removeAsk', { name, title: conv.title }), content: t('removeEffect'), okText: t('removeMember'), cancelText: t('cancel'), okButtonProps: { danger: true }, autoFocusButton: 'cancel',
      onOk: () => conversations.removeMember({ conversationId: conv.id, personId, requestId: newId() }).then(() => load(''), (problem) => void message.error(say(problem))),
    });
  };

  return (
    <aside className="im-panel" aria-label={t('members')} data-pane tabIndex={-1} ref={pane}>
      <div className="im-panel-head">
        <h2 className="yz-strong yz-grow">{t('members')} <span className="yz-meta">{conv.memberCount}</span></h2>
        <Button size="small" onClick={onClose}>{t('close')}</Button>
      </div>
      <div className="im-panel-actions">
        <Button size="small" onClick={() => setAdding(true)}>{t('addMembers')}</Button>
        {owner && <Button size="small" onClick={() => setRenaming(true)}>{t('rename')}</Button>}
        <Button size="small" danger onClick={leave}>{t('leave')}</Button>
      </div>
      {(members?.length ?? 0) > 12 && <Input size="small" allowClear value={query} placeholder={t('filterMembers')} aria-label={t('filterMembers')} onChange={(event) => setQuery(event.target.value)} />}
      {error ? <ErrorState error={error} onRetry={() => void load('')} /> : members === null ? <Skeleton rows={6} /> : (
        <ul className="im-members">
          {shown.map((member) => <MemberRow key={member.personId} member={member} removable={owner && member.personId !== im.meId} onRemove={remove} />)}
          {nextPage !== '' && query === '' && <li><Button block size="small" onClick={() => void load(nextPage)}>{t('loadMore')}</Button></li>}
        </ul>
      )}
      <Suspense fallback={null}>{adding && <AddMembers conv={conv} members={new Set((members ?? []).map((member) => member.personId))} onClose={() => setAdding(false)} />}</Suspense>
      {renaming && <Rename conv={conv} onClose={() => setRenaming(false)} />}
    </aside>
  );
}

function MemberRow({ member, removable, onRemove }: { member: Member; removable: boolean; onRemove: (personId: string, name: string) => void }) {
  const im = useIm();
  const t = useT(texts);
  const locale = useLocale();
  const person = usePerson(im.people, member.personId);
  const presence = usePresence(member.personId);
  const name = nameOf(person, locale);
  const me = member.personId === im.meId;
  return (
    <li className="im-member">
      <a href={me ? '#/settings' : chatHref(directId(im.meId, member.personId))}>
        <Avatar id={member.personId} name={person?.name ?? name} size={28} presence={presence} />
        <span className="yz-cut">{name}{me ? t('meMark') : ''}</span>
        <span className="yz-meta yz-cut yz-grow">{person?.title}</span>
        {member.role === Member_Role.OWNER && <span className="im-tag">{t('owner')}</span>}
      </a>
      {removable && <Button size="small" type="text" aria-label={t('remove', { name })} title={t('removeMember')} onClick={() => onRemove(member.personId, name)}>×</Button>}
    </li>
  );
}

function Rename({ conv, onClose }: { conv: Conv; onClose: () => void }) {
  const im = useIm();
  const t = useT(texts);
  const say = useErrorText();
  useFocusReturn();
  const [title, setTitle] = useState(conv.title);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState('');
  const requestId = useRef(newId());
  const save = async () => {
    const name = title.trim();
    if (name === '' || Array.from(name).length > 100) return setProblem(t('emptyTitle'));
    setBusy(true);
    try {
      await conversations.renameGroup({ conversationId: conv.id, title: name, requestId: requestId.current });
      await im.fetchConversation(conv.id).catch(() => null);
      onClose();
    } catch (error) {
      setProblem(say(error));
      setBusy(false);
    }
    return undefined;
  };
  return (
    <Modal open title={t('rename')} okText={t('save')} cancelText={t('cancel')} onOk={() => void save()} onCancel={onClose} confirmLoading={busy}>
      <label className="yz-field">
        <span>{t('groupName')}</span>
        <Input value={title} maxLength={200} autoFocus onChange={(event) => setTitle(event.target.value)} onPressEnter={(event) => { if (!event.nativeEvent.isComposing && event.keyCode !== 229) void save(); }} />
      </label>
      {problem && <p className="yz-problem" role="alert">{problem}</p>}
    </Modal>
  );
}
