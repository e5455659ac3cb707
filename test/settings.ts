/** What the table of settings makes of the docs and of what each platform is told to pass on. */
import { readFileSync } from 'node:fs';
import { providers } from '../functions/auth.ts';
import { hosts } from '../functions/gateway.ts';
import { settingsOf, table, type Row, type Service, type Setting } from '../lib/config/table.ts';

/** A table of settings; tests add rows to it that no platform and no page knows. */
export type Rows = Readonly<Record<string, Row>>;

export const loginSettings = (rows: Rows = table): Setting[] => settingsOf('login', providers, rows);

export const gatewaySettings = (rows: Rows = table): Setting[] =>
  settingsOf(
    'gateway',
    hosts.map(({ provider }) => provider),
    rows,
  );

/** A file that holds lists of settings, as the table would have it. */
export interface Listing {
  file: string;
  /** The whole file, with the lists in it made anew. */
  made(rows?: Rows): string;
  /** If it lists the secrets alone. */
  holds?: 'secrets';
}

const serverless = (
  file: string,
  settings: (rows: Rows) => Setting[],
  source: (setting: Setting, rows: Rows) => string,
) => ({
  file,
  made: (rows: Rows = table) => {
    const all = settings(rows);
    const lines = all.map((setting) => `    ${setting.name}: ${source(setting, rows)}`);
    const resources = all.flatMap(({ secret }) =>
      secret
        ? `            - !Sub arn:\${AWS::Partition}:ssm:\${AWS::Region}:\${AWS::AccountId}:parameter\${self:custom.secrets}/${secret.parameter}`
        : [],
    );
    const text = replaced(readFileSync(file, 'utf8'), /^ {2}environment:\n/m, lines);
    return replaced(text, /^ {10}Resource:\n/m, resources);
  },
});

/** The rows below the head of a Markdown table. */
const tableIn = (text: string, head: string, rows: readonly string[]): string =>
  replaced(text, new RegExp(`^ *${head.replaceAll('|', '\\|')}\\n[ |-]+\\n`, 'm'), rows);

/** A text with other lines in the place of those that follow, for as long as they are indented as the first one is. */
function replaced(text: string, head: RegExp, lines: readonly string[]): string {
  const found = head.exec(text);
  if (!found) throw new Error(`There is nothing like ${head} in the file.`);
  const start = found.index + found[0].length;
  const [indent = ''] = /^ *(\||- )?/.exec(text.slice(start)) ?? [];
  const rest = text.slice(start).split('\n');
  const end = rest.findIndex((line) => !line.startsWith(indent));
  return [text.slice(0, start) + lines.join('\n'), ...rest.slice(end)].join('\n');
}

/** One row for each row of the table: the names of all Git hosts stand beside each other. */
function docsRows(services: readonly Service[], rows: Rows): string[] {
  const found = services.flatMap((service) =>
    service === 'gateway' ? gatewaySettings(rows) : settingsOf(service, providers, rows),
  );
  const isOfGateway = services.includes('gateway');
  return Object.entries(rows).flatMap(([key, row]) => {
    const names = [...new Set(found.filter((setting) => setting.key === key).map(({ name }) => `\`${name}\``))];
    const { meaning, ifNotSet } = (isOfGateway && row.gateway) || row;
    return names.length === 0 ? [] : `| ${names.join(', ')} | ${meaning} | ${ifNotSet} |`;
  });
}

const head = '| Name | Meaning | If it is not set |';

export const listings: readonly Listing[] = [
  serverless('serverless.yml', loginSettings, ({ name, secret }) =>
    secret ? `\${env:${name}, 'ssm:\${self:custom.secrets}/${secret.parameter}'}` : `\${env:${name}, ''}`,
  ),
  serverless('serverless-gateway.yml', gatewaySettings, ({ name }, rows) => {
    const [given = name] = Object.entries(rows).flatMap(([key, { standsFor }]) => (standsFor === name ? key : []));
    return `\${env:${given}, ''}`;
  }),
  {
    file: 'docs/settings.md',
    made: (rows: Rows = table) =>
      tableIn(readFileSync('docs/settings.md', 'utf8'), head, docsRows(['login', 'server'], rows)),
  },
  {
    file: 'docs/gateway.md',
    made: (rows: Rows = table) =>
      tableIn(readFileSync('docs/gateway.md', 'utf8'), head, docsRows(['gateway', 'deploy'], rows)),
  },
  {
    file: 'docs/gateway-platforms.md',
    holds: 'secrets',
    made: (rows: Rows = table) =>
      tableIn(
        readFileSync('docs/gateway-platforms.md', 'utf8'),
        '| Setting | Parameter |',
        gatewaySettings(rows).flatMap(({ name, secret }) =>
          secret ? `   | \`${name}\` | \`/cms-auth/live/${secret.parameter}\` |` : [],
        ),
      ),
  },
];
