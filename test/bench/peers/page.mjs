/** The popup's page of the login servers written by hand: it speaks the CMS's handshake, and gives to the owner's site alone. */
const site = JSON.stringify(process.env.BENCH_ORIGIN);

/** @param {string} [token] none if the login has failed */
export function page(token) {
  const outcome = token
    ? `success:${JSON.stringify({ token, provider: 'github' })}`
    : `error:${JSON.stringify({ message: 'GitHub did not give a token. Please try again.' })}`;
  const message = JSON.stringify(`authorization:github:${outcome}`).replaceAll('<', '\\u003c');
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Logging in</title>
<p>Logging in …</p>
<script>
  addEventListener('message', ({ origin }) => {
    if (origin === ${site}) opener.postMessage(${message}, origin);
  });
  opener.postMessage('authorizing:github', '*');
</script>
</html>
`;
}
