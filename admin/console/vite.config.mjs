import { appConfig } from '@yizhan/kit/vite';

export default appConfig({ root: import.meta.dirname, antd: ['Button', 'Input', 'Modal', 'message'] });
