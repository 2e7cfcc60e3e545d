#!/usr/bin/env node
/**
 * Starts the command line that was compiled. A file of its own, which no build takes away: npx links it once, and for good.
 */

try {
  await import('../dist/cli/main.js');
} catch (error) {
  if (error.code !== 'ERR_MODULE_NOT_FOUND' || !error.message.includes('dist/cli/main.js')) throw error;
  process.stderr.write('impact-session: it was not compiled yet: run npm run build\n');
  process.exitCode = 2;
}
