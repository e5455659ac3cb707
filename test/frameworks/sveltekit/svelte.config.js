import adapter from '@sveltejs/adapter-node';

export default {
  kit: {
    adapter: adapter(),
    // The login checks by itself who may renew a session.
    csrf: { trustedOrigins: ['*'] },
  },
};
