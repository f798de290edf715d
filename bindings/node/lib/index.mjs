import flare from './index.cjs';

export const { App, Reply, HttpError, Queue, serve, requestId, accessLog, bearer, rateLimit, forwarded, files, prepared } = flare;
