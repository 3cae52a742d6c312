import 'virtual:yizhan/antd.css';
import './audit.css';
import { mount, Role, SessionGate, useT } from '@yizhan/kit';
import { AuditPage } from './ui/app.tsx';
import { texts } from './ui/texts.ts';

function Root() {
  const t = useT(texts);
  return (
    <SessionGate title={t('app')} roles={[Role.AUDITOR]}>
      {(me) => <AuditPage key={me.person.personId} me={me} />}
    </SessionGate>
  );
}

mount(<Root />);
