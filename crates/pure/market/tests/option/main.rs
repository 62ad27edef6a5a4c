//! Options: the cases of `vectors/options_v1.json` (generate.py beside writes them with mpmath),
//! and what must hold for any contract.

mod margins;
mod prices;
mod support;
mod surfaces;
mod volatilities;
