//! Tests of `logs`: what is committed is kept, what is not is cut, ranges are exact.

use super::*;
