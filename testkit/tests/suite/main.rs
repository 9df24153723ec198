//! Tests of both functions together, and of their consistency with the template and the
//! documentation.

mod audit;
mod diagrams;
mod front_door;
mod gateway;
mod previews;
mod site;
mod template;
mod timing;
