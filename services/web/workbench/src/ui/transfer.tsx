import { Button, Modal } from 'antd';
import { useState } from 'react';
import { useErrorText, usePersonName, useStore, useT, useReturnFocus } from '@yizhan/kit';
import { Agent_State, type Agent, type Reception } from '@yizhan/kit/gen/desk/v1/reception_pb';
import { useDesk } from './context.ts';
import { texts } from './texts.ts';

/** Chooses who takes over, with everybody's load, and a note for them. */
export function Transfer({ reception, onClose, onDone }: { reception: Reception; onClose: () => void; onDone: () => void }) {
  const t = useT(texts);
  const say = useErrorText();
  useReturnFocus();
  const desk = useDesk();
  const state = useStore(desk.state);
  const [target, setTarget] = useState('');
  const [note, setNote] = useState('');
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);
  const agents = [...state.agents.values()].filter((agent) => agent.agentId !== reception.agentId && agent.state === Agent_State.ONLINE).sort((a, b) => a.load / a.capacity - b.load / b.capacity);
  const others = [...state.agents.values()].filter((agent) => agent.agentId !== reception.agentId && agent.state !== Agent_State.ONLINE);
  const submit = async () => {
    if (target === '') return setProblem(t('pick'));
    setBusy(true);
    setProblem('');
    try {
      const [kind, id] = [target[0], target.slice(2)];
      await desk.transfer(reception.conversationId, kind === 'a' ? { agentId: id } : { groupId: id }, note.trim());
      onDone();
    } catch (error) {
      setProblem(say(error));
      setBusy(false);
    }
  };
  return (
    <Modal
      open title={t('transferTitle', { name: reception.customer?.name ?? '' })} onCancel={onClose}
      footer={[
        <Button key="cancel" onClick={onClose}>{t('cancel')}</Button>,
        <Button key="do" type="primary" loading={busy} onClick={() => void submit()}>{t('transferDo')}</Button>,
      ]}
    >
      <fieldset className="wb-targets">
        <legend>{t('toAgents')}</legend>
        {[...agents, ...others].map((agent) => <AgentOption key={agent.agentId} agent={agent} checked={target === `a:${agent.agentId}`} onChange={() => setTarget(`a:${agent.agentId}`)} />)}
      </fieldset>
      <fieldset className="wb-targets">
        <legend>{t('toGroups')}</legend>
        {[...state.groups.values()].map((group) => {
          const queue = state.queues.get(group.groupId);
          return (
            <label key={group.groupId}>
              <input type="radio" name="target" checked={target === `g:${group.groupId}`} onChange={() => setTarget(`g:${group.groupId}`)} />
              <span className="yz-grow yz-cut">{group.name}</span>
              <span className="yz-meta">{t('groupLoad', { waiting: queue?.waiting ?? 0, online: queue?.agentsOnline ?? 0 })}</span>
            </label>
          );
        })}
      </fieldset>
      <label className="yz-field"><span>{t('transferNote')}</span><textarea rows={2} maxLength={2000} className="yz-composer-text wb-note-field" value={note} onChange={(event) => setNote(event.target.value)} /></label>
      <p className="yz-problem" role="alert">{problem}</p>
    </Modal>
  );
}

function AgentOption({ agent, checked, onChange }: { agent: Agent; checked: boolean; onChange: () => void }) {
  const t = useT(texts);
  const name = usePersonName(agent.agentId);
  const full = agent.load >= agent.capacity;
  const away = agent.state !== Agent_State.ONLINE;
  return (
    <label className={away || full ? 'wb-off' : ''}>
      <input type="radio" name="target" checked={checked} disabled={away || full} onChange={onChange} />
      <span className="yz-grow yz-cut">{name || agent.agentId}</span>
      <span className="yz-meta">{t('agentLoad', { load: agent.load, capacity: agent.capacity })} · {away ? t(agent.state === Agent_State.PAUSED ? 'paused' : 'offline') : full ? t('full') : t('online')}</span>
    </label>
  );
}
