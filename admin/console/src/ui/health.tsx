import { CheckCircleFilled, CloseCircleFilled, ExclamationCircleFilled, QuestionCircleFilled } from '@ant-design/icons';
import { useCallback } from 'react';
import { ErrorState, Skeleton, TimeText, fullTime, serviceClient, useT, usePolled } from '@yizhan/kit';
import { AdminService, ComponentHealth_State as State, type ComponentHealth, type GetHealthResponse } from '@yizhan/kit/gen/admin/v1/admin_service_pb';
import { bytes } from '../model/bytes.ts';
import { texts, type ConsoleText } from './texts.ts';

const admin = serviceClient(AdminService);

const words: Record<State, keyof ConsoleText & string> = { [State.OK]: 'ok', [State.DEGRADED]: 'degraded', [State.DOWN]: 'down', [State.UNSPECIFIED]: 'unknown' };
const tones: Record<State, string> = { [State.OK]: 'ok', [State.DEGRADED]: 'warn', [State.DOWN]: 'bad', [State.UNSPECIFIED]: 'unknown' };

/** The parts that have a name in both languages; others go by the service's own. */
const partNames: Readonly<Record<string, keyof ConsoleText & string>> = { ledger: 'partLedger', 'archive completeness': 'partCompleteness', disk: 'partDisk', archive: 'partArchive', edge: 'partEdge', backup: 'backup', cluster: 'partCluster', clock: 'partClock', following: 'partFollowing', links: 'partLinks', directory: 'serviceDirectory', im: 'serviceIm', desk: 'serviceDesk', audit: 'serviceAudit' };

function Mark({ state }: { state: State }) {
  if (state === State.OK) return <CheckCircleFilled aria-hidden />;
  if (state === State.DEGRADED) return <ExclamationCircleFilled aria-hidden />;
  return state === State.DOWN ? <CloseCircleFilled aria-hidden /> : <QuestionCircleFilled aria-hidden />;
}

/** "im: disk": a part of one of the services' processes goes by both names. */
function nameOf(part: ComponentHealth, t: (key: keyof ConsoleText & string) => string) {
  return part.name.split(': ').map((word) => (partNames[word] ? t(partNames[word]!) : word)).join(': ');
}

/** One sentence, then each part with what to do, then figures. What is not known is never green. */
export function Health() {
  const t = useT(texts);
  const ask = useCallback(() => admin.getHealth({}), []);
  const { data, error, at, again } = usePolled(ask, 3_000);
  if (!data) return error ? <ErrorState error={error} what={t('healthFailed')} onRetry={again} /> : <Skeleton rows={6} />;
  const state = error ? State.UNSPECIFIED : worst(data);
  const names = (wanted: State) => data.components.filter((part) => part.state === wanted).map((part) => nameOf(part, t));
  const say: [State, (list: string[]) => string][] = [
    [State.DOWN, (list) => t('downSentence', { n: list.length, names: list.join(', ') })],
    [State.UNSPECIFIED, (list) => t('unknownSentence', { names: list.join(', ') })],
    [State.DEGRADED, (list) => t('degradedSentence', { n: list.length, names: list.join(', ') })],
  ];
  const wrong = say.map(([wanted, tell]) => [names(wanted), tell] as const).filter(([list]) => list.length > 0).map(([list, tell]) => tell(list));
  const sentence = error ? t('lostSentence', { time: fullTime(at * 1000) })
    : wrong.length > 0 ? wrong.join(' ')
      : state === State.OK ? t('okSentence', { n: data.components.length }) : t(words[state]);
  return (
    <section className="co-page" aria-label={t('health')}>
      <h2 className="yz-page-title">{t('health')}</h2>
      <p className={`co-sentence co-${tones[state]}`} role="status" data-health={tones[state]}><Mark state={state} /> {sentence}</p>
      <h3>{t('parts')}</h3>
      <ul className="co-parts">{data.components.map((part) => <Part key={part.name} part={error ? { ...part, state: State.UNSPECIFIED } : part} />)}</ul>
      <h3>{t('facts')}</h3>
      <dl className="co-facts">
        <div><dt>{t('version')}</dt><dd>{data.version}</dd></div>
        <div><dt>{t('started')}</dt><dd><TimeText us={Number(data.startedAtUs)} form="full" /></dd></div>
        <div><dt>{t('disk')}</dt><dd>{bytes(Number(data.diskFreeBytes))}</dd></div>
        <div><dt>{t('data')}</dt><dd>{bytes(Number(data.dataBytes))}</dd></div>
        <div><dt>{t('sessions')}</dt><dd>{String(data.sessions)}</dd></div>
      </dl>
      <p className="yz-meta">{t('updated', { time: fullTime(at * 1000) })}</p>
    </section>
  );
}

function Part({ part }: { part: ComponentHealth }) {
  const t = useT(texts);
  return (
    <li data-part={part.name}>
      <span className={`co-mark co-${tones[part.state]}`}><Mark state={part.state} /> {t(words[part.state])}</span>
      <strong>{nameOf(part, t)}</strong>
      <span className="yz-grow" lang="en">{part.message}</span>
    </li>
  );
}

/** The worst of all: down, then what is not known, then what wants a look. */
export function worst(health: Pick<GetHealthResponse, 'state' | 'components'>): State {
  const all = [health.state, ...health.components.map((part) => part.state)];
  for (const state of [State.DOWN, State.UNSPECIFIED, State.DEGRADED]) if (all.includes(state)) return state;
  return State.OK;
}
