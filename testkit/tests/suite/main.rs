//! Both functions together, and with the template and the documentation.

mod audit;
mod gateway;
mod template;
mod timing;
