import { createGateway, createLogin, errors, type ErrorCode, type LogEntry } from 'cms-auth-functions';
import express from 'express';

const failures: LogEntry[] = [];
const log = (entry: LogEntry) => {
  if (entry.outcome === 'failed') failures.push(entry);
};
const login = createLogin({ hosts: ['github'], log });
const app = express();

// Before whatever reads the body of requests.
app.use(login.node);
app.use(createGateway({ settings: { CMS_AUTH_URL: process.env['CMS_AUTH_URL'] }, log }).node);
app.use(express.json());
app.get('/', (_request, response) => void response.send('The page that was there before'));
app.get('/auth/logout', (_request, response) => void response.send('Logged out'));
app.get('/failures', (_request, response) => void response.json(failures.map(({ code }) => errors[code as ErrorCode])));

app.listen(Number(process.env['PORT']));
