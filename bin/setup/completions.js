/** Owns writing completions/ anew: what the built program prints, so that files and `sluice completion` cannot differ. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from './build.js';

const FILES = { bash: 'sluice.bash', zsh: '_sluice', fish: 'sluice.fish' };

await build();
const program = fileURLToPath(new URL('../sluice.js', import.meta.url));
for (const [shell, name] of Object.entries(FILES)) {
  const script = execFileSync(process.execPath, [program, 'completion', shell], { encoding: 'utf8' });
  writeFileSync(new URL(`../../completions/${name}`, import.meta.url), script);
}
