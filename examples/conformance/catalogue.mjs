// SPDX-License-Identifier: MIT
//
// Prints what there is to judge. The suite about Surrogate-Control is not in this
// index: that field is of a W3C note, and no RFC has it.
import suites from './tests/index.mjs'

console.log(JSON.stringify(suites))
