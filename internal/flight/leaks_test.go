// SPDX-License-Identifier: MIT

package flight_test

import (
	"testing"

	"github.com/holdover-go/holdover/internal/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }
