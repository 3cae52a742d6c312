import 'virtual:yizhan/antd.css';
import './workbench.css';
import { mount, Role, SessionGate, useT } from '@yizhan/kit';
import { Workbench } from './ui/app.tsx';
import { texts } from './ui/texts.ts';

function Root() {
  const t = useT(texts);
  return (
    <SessionGate title={t('app')} roles={[Role.AGENT, Role.SUPERVISOR]}>
      {(me) => <Workbench key={me.person.personId} me={me} />}
    </SessionGate>
  );
}

mount(<Root />);
