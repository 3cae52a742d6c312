import 'virtual:yizhan/tokens.css';
import './base.css';
import './parts.css';

export * from './announcer.tsx';
export * from './avatar.tsx';
export * from './choices.tsx';
export * from './composer.tsx';
export * from './connection_bar.tsx';
export * from './gate.tsx';
export * from './jump.tsx';
export * from './keys.tsx';
export * from './me_menu.tsx';
export * from './message_list.tsx';
export * from './person_name.tsx';
export * from './polled.ts';
export * from './provider.tsx';
export * from './states.tsx';
export * from './time_text.tsx';
