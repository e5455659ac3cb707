import { describePlatform } from './suite.ts';
import { startVercel } from './vercel.ts';

describePlatform('Vercel, as its tool builds it', startVercel);
