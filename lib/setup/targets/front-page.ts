/**
 * What is published at `/` where a platform wants a folder to publish: whoever opens the bare address is looking for the
 * set-up page. The build writes it, and the deploy knows a login of ours by it.
 */
export const frontPage =
  '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<meta http-equiv="refresh" content="0; url=/auth">\n<title>Login for your CMS</title>\n<a href="/auth">Login for your CMS</a>\n</html>\n';
