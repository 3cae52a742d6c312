import 'virtual:yizhan/antd.css';
import './console.css';
import { mount, Role, SessionGate, useT } from '@yizhan/kit';
import { Console } from './ui/app.tsx';
import { texts } from './ui/texts.ts';

function Root() {
  const t = useT(texts);
  return (
    <SessionGate title={t('app')} roles={[Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDITOR]}>
      {(me) => <Console key={me.person.personId} me={me} />}
    </SessionGate>
  );
}

mount(<Root />);
