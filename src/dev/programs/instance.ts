/** Entry of its own in the build: the tiny instance of `sluice dev` and of the test labs. Arguments: NAME HOST PORT [DELAY-MS]. */
import { runInstanceServer } from '../instance-server.ts';

const [name = '', host = '', port = '0', delayMs = '0'] = process.argv.slice(2);
const server = await runInstanceServer({ name, host, port: Number(port), delayMs: Number(delayMs) });
process.stdout.write(`listening ${server.port}\n`);
