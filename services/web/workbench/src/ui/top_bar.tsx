import { useEffect, useState } from 'react';
import { Choice, MeMenu, span, useStore, useT, type Me } from '@yizhan/kit';
import { Agent_State } from '@yizhan/kit/gen/desk/v1/reception_pb';
import { waitingSummary } from '../model/desk_state.ts';
import { useDesk, useSecond } from './context.ts';
import { texts } from './texts.ts';

/** State, capacity, the queue at a glance, the person's menu. `failed` tells of a refused change. */
export function TopBar({ me, failed }: { me: Me; failed: (error: unknown) => void }) {
  const t = useT(texts);
  const desk = useDesk();
  const state = useStore(desk.state);
  const now = useSecond();
  const agent = state.me;
  const waiting = waitingSummary(state);
  const change = (next: Agent_State, capacity = 0) => void desk.setState(next, capacity).catch(failed);
  return (
    <header className="wb-top">
      {agent ? (
        <div className="wb-state" title={t('stateHint')}>
          <Choice
            label={t('state')} hideLabel value={String(agent.state === Agent_State.UNSPECIFIED ? Agent_State.OFFLINE : agent.state)}
            onChange={(value) => change(Number(value))}
            options={[
              { value: String(Agent_State.ONLINE), label: t('online') },
              { value: String(Agent_State.PAUSED), label: t('paused') },
              { value: String(Agent_State.OFFLINE), label: t('offline') },
            ]}
          />
          <span className="wb-load">{t('load', { load: agent.load, capacity: agent.capacity })}</span>
          <Capacity value={agent.capacity} onChange={(capacity) => change(agent.state, capacity)} />
        </div>
      ) : <span>{t('noAgent')}</span>}
      <div className="yz-grow wb-numbers">
        <span>{t('waitingAll', { n: waiting.count })}{waiting.count > 0 && waiting.oldestUs > 0 && <> · {t('longest', { time: span(now - waiting.oldestUs / 1000) })}</>}</span>
        <span>{t('today', { n: state.closedToday })}</span>
      </div>
      <MeMenu me={me} />
    </header>
  );
}

function Capacity({ value, onChange }: { value: number; onChange: (value: number) => void }) {
  const t = useT(texts);
  const [text, setText] = useState(String(value));
  useEffect(() => setText(String(value)), [value]);
  const commit = () => {
    const wanted = Math.round(Number(text));
    if (wanted >= 1 && wanted <= 50 && wanted !== value) onChange(wanted);
    else setText(String(value));
  };
  return (
    <label className="wb-capacity">
      <span>{t('capacity')}</span>
      <input type="number" min={1} max={50} value={text} onChange={(event) => setText(event.target.value)} onBlur={commit} onKeyDown={(event) => event.key === 'Enter' && commit()} />
    </label>
  );
}
