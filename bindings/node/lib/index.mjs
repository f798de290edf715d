import flare from './index.cjs';

export const { App, Client, Reply, HttpError, Identity, Queue, Mux, MuxListener, MuxStream, WebSocket, serve, requestId, accessLog, bearer, rateLimit, forwarded, files, prepared } = flare;
