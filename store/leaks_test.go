// SPDX-License-Identifier: MIT

package store_test

import (
	"testing"

	"github.com/holdover-go/holdover/internal/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }
