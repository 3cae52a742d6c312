import { fileURLToPath } from 'node:url';

// Unit tests of every page, beside their code. What needs a browser is in tests/e2e/pages.
export default {
  root: fileURLToPath(new URL('../..', import.meta.url)),
  test: {
    include: ['services/web/*/src/**/*.test.ts', 'audit/console/src/**/*.test.ts', 'admin/console/src/**/*.test.ts'],
    environment: 'node',
    env: { TZ: 'Asia/Shanghai' },
    testTimeout: 20_000,
  },
};
