/** `import x from './file?inline'`: the build bundles and minifies that file and puts its text here (platforms/inline.mjs). */
declare module '*?inline' {
  const inline: import('../http/page.ts').Inline;
  export default inline;
}
