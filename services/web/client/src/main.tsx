import 'virtual:yizhan/antd.css';
import './client.css';
import { mount, SessionGate, useT } from '@yizhan/kit';
import { Messenger } from './ui/app.tsx';
import { texts } from './ui/texts.ts';

function Client() {
  const t = useT(texts);
  return <SessionGate title={t('app')}>{(me) => <Messenger key={me.person.personId} me={me} />}</SessionGate>;
}

mount(<Client />);
