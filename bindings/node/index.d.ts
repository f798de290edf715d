/// <reference types="node" />
// What programs see, by subject. `import { App } from 'flare-node'` has all of it.
export * from './types/app.js';
export * from './types/request.js';
export * from './types/response.js';
export * from './types/handler.js';
export * from './types/content.js';
export * from './types/websocket.js';
export * from './types/websocket_client.js';
export * from './types/client.js';
export * from './types/tls.js';
export * from './types/fetch.js';
export * from './types/stock.js';
export * from './types/queue.js';
export * from './types/mux.js';
export * from './types/testing.js';
