/** Entry of its own in the build: the tiny instance of `sluice dev` and of the test labs. Arguments: NAME HOST PORT. */
import { runInstanceServer } from '../instance-server.ts';

const [name = '', host = '', port = '0'] = process.argv.slice(2);
const server = await runInstanceServer({ name, host, port: Number(port) });
process.stdout.write(`listening ${server.port}\n`);
