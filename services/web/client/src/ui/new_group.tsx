import { Input, Modal } from 'antd';
import { newId, useErrorText, useFocusReturn, useT } from '@yizhan/kit';
import type { Person } from '@yizhan/kit/gen/directory/v1/people_pb';
import { useRef, useState } from 'react';
import { conversations } from '../model/services.ts';
import { fromProto, type Conv } from '../model/conversations.ts';
import { useIm } from './context.ts';
import { PeoplePicker } from './people_picker.tsx';
import { texts } from './texts.ts';

export default function NewGroup({ onClose, onMade }: { onClose: () => void; onMade: (id: string) => void }) {
  const im = useIm();
  const t = useT(texts);
  const say = useErrorText();
  useFocusReturn();
  const [title, setTitle] = useState('');
  const [people, setPeople] = useState<Person[]>([]);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState('');
  const requestId = useRef(newId());
  const without = useRef(new Set([im.meId]));

  const make = async () => {
    const name = title.trim();
    if (name === '' || Array.from(name).length > 100) return setProblem(t('emptyTitle'));
    if (people.length === 0) return setProblem(t('nobodyPicked'));
    setBusy(true);
    setProblem('');
    try {
      const { conversation } = await conversations.createGroup({ title: name, memberIds: people.map((person) => person.personId), requestId: requestId.current });
      if (conversation) {
        im.put(fromProto(conversation, im.meId));
        onMade(conversation.conversationId);
      }
      onClose();
    } catch (error) {
      setProblem(say(error));
      setBusy(false);
    }
    return undefined;
  };

  return (
    <Modal open title={t('newGroup')} okText={t('create')} cancelText={t('cancel')} onOk={() => void make()} onCancel={onClose} confirmLoading={busy} width={520}>
      <label className="yz-field">
        <span>{t('groupName')}</span>
        <Input value={title} maxLength={200} autoFocus onChange={(event) => setTitle(event.target.value)} />
      </label>
      <PeoplePicker chosen={people} onChange={setPeople} without={without.current} />
      {problem && <p className="yz-problem" role="alert">{problem}</p>}
    </Modal>
  );
}

export function AddMembers({ conv, members, onClose }: { conv: Conv; members: ReadonlySet<string>; onClose: () => void }) {
  const t = useT(texts);
  const say = useErrorText();
  useFocusReturn();
  const [people, setPeople] = useState<Person[]>([]);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState('');
  const requestId = useRef(newId());
  const add = async () => {
    if (people.length === 0) return setProblem(t('nobodyPicked'));
    setBusy(true);
    setProblem('');
    try {
      await conversations.addMembers({ conversationId: conv.id, personIds: people.map((person) => person.personId), requestId: requestId.current });
      onClose();
    } catch (error) {
      setProblem(say(error));
      setBusy(false);
    }
    return undefined;
  };
  return (
    <Modal open title={`${t('addMembers')} · ${conv.title}`} okText={t('add')} cancelText={t('cancel')} onOk={() => void add()} onCancel={onClose} confirmLoading={busy} width={520}>
      <PeoplePicker chosen={people} onChange={setPeople} without={members} />
      {problem && <p className="yz-problem" role="alert">{problem}</p>}
    </Modal>
  );
}
