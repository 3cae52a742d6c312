import { useEffect, useState } from 'react';
import { MeMenu, TimeText, createStore, useStore, useT, type Me, type Role } from '@yizhan/kit';
import { mayOpen, pageOf, pages, rolesOf, type Page } from '../model/rights.ts';
import { tasks } from '../model/tasks.ts';
import { Backup } from './backup.tsx';
import { Departments } from './departments.tsx';
import { Health } from './health.tsx';
import { Partitions } from './partitions.tsx';
import { People } from './people.tsx';
import { roleKey, texts } from './texts.ts';

const route = createStore(location.hash);
addEventListener('hashchange', () => route.set(location.hash));

/** Each administrator sees their own pages; a direct link to another's says why not. */
export function Console({ me }: { me: Me }) {
  const t = useT(texts);
  const page = pageOf(useStore(route));
  const roles = me.principal.roles.length > 0 ? me.principal.roles : me.person.roles;
  return (
    <div className="co">
      <header className="co-top">
        <h1 className="co-brand">{t('app')}</h1>
        <span className="yz-grow" />
        <MeMenu me={me} />
      </header>
      <div className="co-panes">
        <nav className="co-nav" aria-label={t('nav')} data-pane tabIndex={-1}>
          {pages.filter((each) => mayOpen(each.page, roles)).map(({ page: name }) => <a key={name} href={`#/${name}`} aria-current={name === page ? 'page' : undefined}>{t(name)}</a>)}
        </nav>
        <main className="co-main" data-pane tabIndex={0}>
          {page === undefined ? <Nowhere /> : mayOpen(page, roles) ? <Shown page={page} roles={roles} /> : <NotYours page={page} roles={roles} />}
        </main>
      </div>
      <TaskStrip />
    </div>
  );
}

function Shown({ page, roles }: { page: Page; roles: readonly Role[] }) {
  switch (page) {
    case 'health': return <Health />;
    case 'partitions': return <Partitions />;
    case 'backup': return <Backup roles={roles} />;
    case 'people': return <People />;
    case 'departments': return <Departments />;
  }
}

function NotYours({ page, roles }: { page: Page; roles: readonly Role[] }) {
  const t = useT(texts);
  const names = (list: readonly Role[]) => list.map((role) => t(roleKey[role] ?? 'unknown'));
  return (
    <div className="yz-state" data-refused={page}>
      <h2 className="yz-title">{t('notYours', { roles: names(rolesOf(page)).join(` ${t('or')} `) })}</h2>
      <p>{t('notYoursWhy', { mine: names(roles).join(', ') })}</p>
      <a href="#/health">{t('home')}</a>
    </div>
  );
}

function Nowhere() {
  const t = useT(texts);
  return <div className="yz-state"><h2 className="yz-title">{t('nowhere')}</h2><a href="#/health">{t('home')}</a></div>;
}

/** What was changed from here and how it went. */
function TaskStrip() {
  const t = useT(texts);
  const list = useStore(tasks);
  const [open, setOpen] = useState(false);
  const failed = list[0]?.state === 'failed';
  useEffect(() => {
    if (failed) setOpen(true);
  }, [failed]);
  if (list.length === 0) return null;
  return (
    <section className="co-strip" aria-label={t('tasks')}>
      <button type="button" className="co-strip-head" aria-expanded={open} onClick={() => setOpen(!open)}>
        <span>{t('tasks')} {list.length}</span> <span className="yz-cut">{list[0]!.title} · {t(list[0]!.state)}</span>
      </button>
      {open && (
        <ul className="co-strip-list">
          {list.map((task) => (
            <li key={task.id} data-task={task.state}>
              <TimeText us={task.at * 1000} form="full" /> <span className="yz-grow">{task.title}{task.problem && `: ${task.problem}`}</span> {task.requestId && <span className="yz-meta">{t('request', { id: task.requestId })}</span>} <span className={`co-task-${task.state}`}>{t(task.state)}</span>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
