//! Nothing: `../run_c` builds `flare-capi`.
