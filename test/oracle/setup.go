package main

import (
	"k8s.io/apimachinery/pkg/util/runtime"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/kubernetes/pkg/capabilities"
	"k8s.io/kubernetes/pkg/features"
)

// A cluster as kubeadm makes it, with the fields that podrun has although they are still off by default.
func init() {
	capabilities.Initialize(capabilities.Capabilities{AllowPrivileged: true})
	runtime.Must(utilfeature.DefaultMutableFeatureGate.SetFromMap(map[string]bool{string(features.ContainerStopSignals): true}))
}
