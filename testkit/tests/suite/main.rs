//! Both functions together, and with the template and the documentation.

mod audit;
mod template;
mod timing;
