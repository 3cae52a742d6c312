import 'virtual:yizhan/antd.css';
import { mount, SessionGate } from '@yizhan/kit';

mount(<SessionGate title="消息">{(me) => <p>{me.person.name}</p>}</SessionGate>);
