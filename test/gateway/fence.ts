/** The fence as a table: every call that the gateway lets through, made from the records of the hosts. */
import { isRead, type GatewayHost, type Rule } from '../../lib/gateway/rules/rule.ts';

const heading = `# What the gateway lets through

Every call that it passes on to a Git host, and what is checked first. Nothing else passes. This page is made from the records in
\`lib/gateway/rules/\`, and a test compares it, so each change of the fence is seen here. After a change that is meant, write it anew with
\`npm test -- fence -u\`, and read what became different.

<!-- prettier-ignore-start -->
`;

/** @returns Markdown. Its tables are not aligned, so that a rule that changes is one line that changes */
export function fenceOf(hosts: readonly GatewayHost[]): string {
  const tables = hosts.map(
    ({ provider, rules }) => `## ${provider.name}

| Method | Path | Query | Body and looks at the host |
| --- | --- | --- | --- |
${rules.map((rule) => `| ${rule.method} | ${path(rule)} | ${query(rule)} | ${checks(rule)} |`).join('\n')}
`,
  );
  return [heading, ...tables, '<!-- prettier-ignore-end -->\n'].join('\n');
}

const path = ({ path: template, parameters = {}, match }: Rule): string =>
  [
    `\`${template}\``,
    ...Object.entries(parameters).map(([name, { what }]) => `${name}: ${what}`),
    ...(match ? [`only with ${match.join(', ')}`] : []),
  ].join('<br>');

const query = ({ query: keys = {}, required = [] }: Rule): string =>
  Object.entries(keys)
    .map(([key, { what }]) => `\`${key}\`${required.includes(key) ? ' (required)' : ''}: ${what}`)
    .join('<br>');

function checks(rule: Rule): string {
  if (isRead(rule)) return '';
  const { body, guard, names } = rule;
  const size = body && (body.limit === undefined ? 'may carry files' : `up to ${body.limit / 1024} KiB`);
  return [
    ...(body ? [`${body.checks} (${size})`] : ['no body']),
    ...(guard ? [`looked up: ${guard.checks}`] : []),
    ...(names === undefined ? [] : [`names ${names}`]),
  ].join('<br>');
}
