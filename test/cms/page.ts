/** The admin page that a site owner would write, with the config beside it. */
import { postsFolder } from '../hosts/sample.ts';
import type { Published } from './bundles.ts';

type Scalar = string | number | boolean;

export interface CmsConfig {
  /** What the owner writes under `backend:`, such as name, repo, base_url, api_root. */
  backend: Record<string, Scalar>;
  /** What the owner writes under `auth:`, for a sign-in by PKCE. */
  auth?: Record<string, Scalar>;
  /** More at the top level, such as the second `base_url` that Decap wants for Bitbucket's refresh. */
  top?: Record<string, Scalar | Record<string, Scalar>>;
}

const titles: Record<Published, string> = {
  decap: 'Decap CMS',
  netlify: 'Netlify CMS',
  static: 'Static CMS',
  sveltia: 'Sveltia CMS',
  'sveltia-0.212': 'Sveltia CMS',
  'sveltia-0.150': 'Sveltia CMS',
  'sveltia-0.105': 'Sveltia CMS',
};

/**
 * Sveltia draws its icons as ligatures of a font that it declares to be on a CDN. That is out of reach here, and the
 * page would read "search" where it should show a lens. Browsers then fall back to this declaration of the same name.
 */
const icons = `<style>
@font-face { font-family: 'Material Symbols Outlined'; font-weight: 400; font-display: block;
  src: url(bundle/npm/assets/material-symbols-outlined-latin-wght-normal-_Z1IJPLg.woff2) format('woff2'); }
</style>
`;

/** Both scripts are relative to the page; the second one is Netlify Identity's. */
export function adminPage(cms: Published, script: string, identity?: string) {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${titles[cms]} – demo</title>
<link rel="icon" href="data:,">
<link rel="cms-config-url" type="text/yaml" href="config.yml">
${cms.startsWith('sveltia') ? icons : ''}${cms === 'static' ? `<link rel="stylesheet" href="${script.replace(/[^/]+$/, 'main.css')}">\n` : ''}${identity ? `<script src="${identity}"></script>\n` : ''}</head>
<body>
<script src="${script}"></script>${cms === 'static' ? '\n<script>window.CMS.init();</script>' : ''}
</body>
</html>
`;
}

/** One folder of posts, the same for every CMS. Values are written as JSON, which is also YAML. */
export function configYml({ backend, auth, top = {} }: CmsConfig) {
  return `backend:
${lines(backend, '  ')}
${auth ? `auth:\n${lines(auth, '  ')}` : ''}
${lines(top)}
media_folder: static/images
public_folder: /images
collections:
  - name: posts
    label: Posts
    label_singular: Post
    folder: ${postsFolder}
    create: true
    fields:
      - { name: title, label: Title, widget: string }
      - { name: date, label: Date, widget: datetime }
      - { name: body, label: Body, widget: markdown }
`;
}

function lines(values: NonNullable<CmsConfig['top']>, indent = '') {
  return Object.entries(values)
    .map(([name, value]) => `${indent}${name}: ${JSON.stringify(value)}`)
    .join('\n');
}
