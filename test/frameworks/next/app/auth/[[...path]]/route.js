import { createLogin } from 'cms-auth-functions';

const login = createLogin();
const answer = (request) => login.fetch(request);

export { answer as GET, answer as POST, answer as OPTIONS };
