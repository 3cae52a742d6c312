declare module 'virtual:yizhan/antd.css';
declare module 'virtual:yizhan/tokens.css';
declare module '*.css';
