import flare from './index.cjs';

export const { App, Reply, HttpError, Queue, Mux, MuxListener, MuxStream, serve, requestId, accessLog, bearer, rateLimit, forwarded, files, prepared } = flare;
