import { address } from './setups/address.ts';
import { file } from './setups/file.ts';
import { gatewaySetups } from './setups/gateway.ts';
import { keys } from './setups/keys.ts';
import { repository } from './setups/repository.ts';

export { loginServer } from './setups/setup.ts';

export const broken = [...address, ...keys, ...gatewaySetups, ...repository, ...file];
