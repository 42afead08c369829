import { describeStoreFaults } from './store-faults.contract.ts';
import { memoryWorld } from './store-world.ts';
import { describeStore } from './store.contract.ts';

describeStore('memory', memoryWorld);
describeStoreFaults('memory', memoryWorld);
